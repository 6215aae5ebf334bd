/** What is worked out of an object that does not change: the first time it is asked for, and then no more. */
export function once<Of extends object, Found>(make: (of: Of) => Found): (of: Of) => Found {
  const known = new WeakMap<Of, { found: Found }>();
  return (of) => {
    let kept = known.get(of);
    if (!kept) known.set(of, (kept = { found: make(of) }));
    return kept.found;
  };
}
