/** Several nodes in line, or at equal distances. */
import type { Position } from "../../graph/model";
import { Button } from "../../look/widgets";

interface Place {
  key: string;
  position: Position;
}

export function AlignButtons({ places, onMove }: { places: readonly Place[]; onMove: (moves: Place[]) => void }) {
  const column = () =>
    onMove(
      places.map(({ key, position }) => ({
        key,
        position: { x: middle(places.map((one) => one.position.x)), y: position.y },
      })),
    );
  const row = () =>
    onMove(
      places.map(({ key, position }) => ({
        key,
        position: { x: position.x, y: middle(places.map((one) => one.position.y)) },
      })),
    );
  return (
    <div className="row">
      <span className="row-title">Line up</span>
      <div className="buttons">
        <Button onClick={column}>In a column</Button>
        <Button onClick={row}>In a row</Button>
        <Button disabled={places.length < 3} onClick={() => onMove(spread(places, "x"))}>
          Spread across
        </Button>
        <Button disabled={places.length < 3} onClick={() => onMove(spread(places, "y"))}>
          Spread down
        </Button>
      </div>
    </div>
  );
}

function middle(values: readonly number[]): number {
  return Math.round((Math.min(...values) + Math.max(...values)) / 2);
}

export function spread(places: readonly Place[], axis: "x" | "y"): Place[] {
  const sorted = [...places].sort((one, other) => one.position[axis] - other.position[axis]);
  const [first, last] = [sorted[0]!.position[axis], sorted.at(-1)!.position[axis]];
  return sorted.map(({ key, position }, index) => ({
    key,
    position: { ...position, [axis]: Math.round(first + ((last - first) * index) / (sorted.length - 1)) },
  }));
}
