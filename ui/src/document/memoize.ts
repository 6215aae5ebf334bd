/** A function whose result is computed once for each object that it is given. */
export function memoize<Of extends object, Found>(make: (of: Of) => Found): (of: Of) => Found {
  const known = new WeakMap<Of, { found: Found }>();
  return (of) => {
    let kept = known.get(of);
    if (!kept) known.set(of, (kept = { found: make(of) }));
    return kept.found;
  };
}
