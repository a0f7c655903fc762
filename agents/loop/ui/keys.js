// Keys of the review: j and k move, a, e, r and u press the button of that key in the list.
// A button is found by its place and pressed, so every action stays the page's own.

const PRESSES = { j: "down", k: "up", a: "accept", e: "edit", r: "reject", u: "undo" }
const TYPED_IN = "input, textarea, select, [contenteditable]"
const CURRENT = '[class*="st-key-item-"][class*="-current"]'
const OPEN_LAYERS = 'dialog[open], [role="dialog"], [data-testid="stPopoverBody"], [role="listbox"]'

let moved = false // by a key, since the last drawing
let current // what listens now; drawn again, the new listener takes the place of the old

export default function () {
  current?.abort()
  if (moved) document.querySelector(CURRENT)?.scrollIntoView({ block: "nearest" })
  moved = false
  const mine = new AbortController()
  current = mine
  document.addEventListener("keydown", keyDown, { capture: true, signal: mine.signal })
  return () => mine.abort()
}

function keyDown(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
  const name = PRESSES[event.key]
  if (!name || event.target.matches?.(TYPED_IN) || document.querySelector(OPEN_LAYERS)) return
  const button = document.querySelector(`.st-key-review_${name} button:not([disabled])`)
  event.preventDefault()
  event.stopPropagation() // Streamlit's own r draws the page again
  button?.click()
  moved = name === "down" || name === "up"
}
