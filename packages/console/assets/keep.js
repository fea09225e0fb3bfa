/** Sets text only where it changed: the browser then has nothing to lay out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An element with a class and children, which may be texts. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * Brings the children of an element in line with a list. What is in both stays the same element, so
 * that it keeps its selection, its focus and whether it is open, and costs no new layout.
 */
export function keep(parent, items, keyOf, create, fill = () => {}) {
  const keys = items.map((item, i) => String(keyOf(item, i)));
  const wanted = new Set(keys);
  const had = new Map();
  for (const child of parent.querySelectorAll(':scope > *'))
    if (wanted.has(child.dataset.key)) had.set(child.dataset.key, child);
    else child.remove();
  let place = parent.firstElementChild;
  for (const [i, item] of items.entries()) {
    let element = had.get(keys[i]);
    if (!element) {
      element = create(item);
      element.dataset.key = keys[i];
    }
    fill(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}
