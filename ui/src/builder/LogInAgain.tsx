/** The notice of an ended session: the user logs in beside this page, then continues here. */
import { AIRFLOW } from "../api/fetch";
import { Button } from "../look/widgets";

export function LogInAgain({ again, word = "Go on" }: { again: () => void; word?: string }) {
  return (
    <span className="buttons">
      <Button icon="link" onClick={() => window.parent.open(new URL("auth/login/", AIRFLOW), "_blank", "noopener")}>
        Log in in a new tab
      </Button>
      <Button icon="retry" onClick={again}>
        {word}
      </Button>
    </span>
  );
}
