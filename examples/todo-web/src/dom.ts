type Attribute = string | number | boolean | undefined | ((event: Event) => void)
type Child = Node | string | undefined

/**
 * An element. Attributes: `true` sets it empty, `false` and `undefined` leave it out, a function listens to the event
 * of that name (`click: () => …`).
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else set(element, name, value)
  }
  for (const child of children) if (child !== undefined) element.append(child)
  return element
}

/** Sets or takes away an attribute; nothing happens when it is so already. */
export function set(element: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name)
    return
  }
  const text = value === true ? '' : String(value)
  if (element.getAttribute(name) !== text) element.setAttribute(name, text)
}

/** Sets the text; an unchanged one is left alone, so that a screen reader does not say it again. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Makes `parent` hold exactly these children in this order, moving as little as possible (focus stays). */
export function arrange(parent: Element, children: readonly Element[]): void {
  const wanted = new Set(children)
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove()
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null)
  })
}

/** An icon of 20 × 20 that takes the colour of its text. */
export function icon(name: keyof typeof shapes): SVGSVGElement {
  const svg = document.createElementNS(svgNamespace, 'svg')
  svg.setAttribute('viewBox', '0 0 20 20')
  svg.setAttribute('class', 'icon')
  svg.setAttribute('aria-hidden', 'true')
  for (const shape of shapes[name]) {
    const path = document.createElementNS(svgNamespace, 'path')
    path.setAttribute('d', shape)
    svg.append(path)
  }
  return svg
}

const svgNamespace = 'http://www.w3.org/2000/svg'

const shapes = {
  cloud: ['M6 15.5h8.2a3.3 3.3 0 0 0 .6-6.5 4.9 4.9 0 0 0-9.3-.9A3.8 3.8 0 0 0 6 15.5z'],
  check: ['M5 10.5l3.4 3.4L15 7'],
  plus: ['M10 4.5v11', 'M4.5 10h11'],
  lock: ['M5.5 9h9v7h-9z', 'M7.3 9V6.7a2.7 2.7 0 0 1 5.4 0V9'],
  unlock: ['M5.5 9h9v7h-9z', 'M7.3 9V6.7a2.7 2.7 0 0 1 5.2-1'],
  bin: ['M4.5 6h11', 'M8 6V4h4v2', 'M6 6l.6 10h6.8L14 6'],
  clock: ['M10 3.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13z', 'M10 6.6V10l2.3 1.5'],
  photo: ['M3.5 5h13v10.5h-13z', 'M3.8 13.2l3.4-3.4 3 3 2.2-2.2 3.8 3.6', 'M12.8 7.9h.01'],
  alert: ['M10 4l6.7 11.7H3.3z', 'M10 8.4v3', 'M10 13.4v.01'],
  close: ['M5.5 5.5l9 9', 'M14.5 5.5l-9 9'],
}
