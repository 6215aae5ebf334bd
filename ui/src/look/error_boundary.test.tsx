import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { ErrorBoundary } from "./ErrorBoundary";

function shown(thrown: unknown): string {
  const boundary = new ErrorBoundary({ children: <p>the page</p> });
  boundary.state = ErrorBoundary.getDerivedStateFromError(thrown);
  return renderToStaticMarkup(boundary.render());
}

describe("a page that cannot be drawn", () => {
  it("is a sentence with what went wrong and a way to reload", () => {
    const html = shown(new TypeError("type.split is not a function"));
    expect(html).toContain("This page cannot be shown");
    expect(html).toContain("type.split is not a function");
    expect(html).toContain("Reload the page");
    expect(html).not.toContain("the page</p>");
    expect(html).toContain("draft");
  });

  it("is one whatever was thrown", () => {
    expect(shown("no more")).toContain("no more");
    expect(shown(undefined)).toContain("undefined");
  });

  it("is the page itself while nothing goes wrong", () => {
    expect(
      renderToStaticMarkup(
        <ErrorBoundary>
          <p>the page</p>
        </ErrorBoundary>,
      ),
    ).toBe("<p>the page</p>");
  });
});
