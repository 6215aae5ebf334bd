package dev.mlcraft;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What Rabix Composer starts to run a workflow: it hands the command line on to the runner that its installation named.
 *
 * <p>All that Composer hears, the runner says: progress on standard error, the outputs on standard output, the exit
 * code. This program only sees to it that the runner ends when Composer cancels, which is SIGTERM.
 */
public final class ComposerExecutor extends Thread {
    private static final String RUNNER = "MLCRAFT_CWL_RUNNER";
    private static final int CANNOT_START = 1;
    private static final long GRACE_SECONDS = 20;

    private final Process runner;

    private ComposerExecutor(Process runner) {
        this.runner = runner;
    }

    public static void main(String[] arguments) throws InterruptedException {
        if (Arrays.asList(arguments).contains("--version")) {
            System.out.println("mlcraft " + ComposerExecutor.class.getPackage().getImplementationVersion());
            return;
        }
        List<String> command = new ArrayList<String>();
        Process runner = null;
        try {
            command.addAll(installed());
            String other = System.getenv(RUNNER);
            if (other != null && !other.isEmpty()) {
                command.set(0, other);
            }
            command.addAll(Arrays.asList(arguments));
            runner = new ProcessBuilder(command).inheritIO().start();
        } catch (IOException error) {
            System.err.println("mlcraft: the runner cannot be started: " + error.getMessage()
                + "; write this jar anew with `mlcraft composer-executor install`, or name the runner in " + RUNNER);
            System.exit(CANNOT_START);
        }
        Runtime.getRuntime().addShutdownHook(new ComposerExecutor(runner));
        System.exit(runner.waitFor());
    }

    /** The runner's command, a word a line. */
    private static List<String> installed() throws IOException {
        InputStream stream = ComposerExecutor.class.getResourceAsStream("/command");
        if (stream == null) {
            throw new IOException("the jar does not say which");
        }
        BufferedReader reader = new BufferedReader(new InputStreamReader(stream, "UTF-8"));
        try {
            List<String> words = new ArrayList<String>();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                words.add(line);
            }
            return words;
        } finally {
            reader.close();
        }
    }

    /** As this program ends, so does the runner, with all that it has started. */
    @Override
    public void run() {
        runner.destroy();
        try {
            if (!runner.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
                runner.destroyForcibly();
            }
        } catch (InterruptedException error) {
            runner.destroyForcibly();
        }
    }
}
