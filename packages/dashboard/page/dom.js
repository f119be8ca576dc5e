/** An element. Text is set as text, whatever is in it. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value)
    else if (key === 'text') node.textContent = value
    else if (value === true) node.setAttribute(key, '')
    else if (value !== undefined && value !== false) node.setAttribute(key, value)
  }
  node.append(...children)
  return node
}

/** Sets text only where it is another one, so that a selection stays. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name
}

/**
 * A table whose rows stay the same elements while what they show changes: focus and selection stay.
 * @param columns of { title, text(row) | fill(cell, row), kind: 'num' | 'wide' | undefined }
 */
export function table({ caption, columns, key, empty }) {
  const body = el('tbody')
  const head = el('tr', {}, ...columns.map(({ title, kind }) => el('th', { scope: 'col', class: kind, text: title })))
  const none = el('p', { class: 'empty', text: empty })
  const grid = el('table', {}, el('caption', { text: caption }), el('thead', {}, head), body)
  const rows = new Map()
  return {
    node: el('div', { class: 'table' }, grid, none),
    update(list) {
      none.hidden = list.length > 0
      grid.hidden = list.length === 0
      const seen = new Set()
      list.forEach((row, at) => {
        const id = key(row)
        seen.add(id)
        const line = rows.get(id) ?? added(id)
        columns.forEach((column, index) => {
          const cell = line.cells[index]
          if (column.fill) column.fill(cell, row)
          else setText(cell, column.text(row))
        })
        if (body.children[at] !== line) body.insertBefore(line, body.children[at] ?? null)
      })
      for (const [id, line] of rows) {
        if (seen.has(id)) continue
        line.remove()
        rows.delete(id)
      }
    },
  }

  function added(id) {
    const cells = columns.map(({ title, kind }) => el('td', { 'data-label': title, class: kind }))
    const line = el('tr', {}, ...cells)
    rows.set(id, line)
    return line
  }
}

export function panel(title, ...children) {
  return el('section', { class: 'panel' }, el('h2', { text: title }), ...children)
}
