// Elements are made here, and only as elements and texts: nothing that devices or people have written is ever parsed as markup.

const svgSpace = 'http://www.w3.org/2000/svg';

// el makes an element. Children that are null or false are left out.
export function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter((c) => c != null && c !== false));
  return node;
}

export const at = (id) => document.getElementById(id);

// write changes a text only where it differs, so that selections and readers of screens are left in peace.
export function write(node, text) {
  const said = String(text ?? '');
  if (node.textContent !== said) node.textContent = said;
}

export function mark(node, name, value) {
  if (value == null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// show hides what is not to be seen.
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

// keyed makes the children of a node follow a list: what stays, stays the same element and keeps its focus.
export function keyed(parent, items, key, make, update) {
  const old = parent.kept ?? new Map();
  const now = new Map();
  for (const item of items) {
    const k = key(item);
    now.set(k, { item, node: old.get(k)?.node ?? make(item) });
  }
  for (const [k, { node }] of old) if (!now.has(k)) node.remove();
  let place = parent.firstChild;
  for (const { item, node } of now.values()) {
    update?.(node, item);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  parent.kept = now;
}

// parts finds the children of a node that have a name: <b data-is="value">.
export function part(node, name) {
  node.parts ??= {};
  return (node.parts[name] ??= node.querySelector(`[data-is="${name}"]`));
}
