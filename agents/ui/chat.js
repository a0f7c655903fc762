// What people have by habit in a chat: keys, a preview of each cited passage, copying in one click.
//
// `data` has { previews: {"12-1": {title, place, text}}, texts: {"12": text}, editing, words }.
// Text of documents, models and people only ever becomes textContent, never markup.

const BOX = '[data-testid="stChatInputTextArea"]'
const EDITED = '[class*="st-key-text-"] textarea'
const CORRECTED = '[class*="st-key-correction-"] textarea'
const OPEN_LAYERS = 'dialog[open], [role="dialog"], [data-testid="stPopoverBody"], [role="listbox"], [role="menu"]'
const CITATION = 'a[href^="#passage-"]'
const NOTE_SECONDS = 3

let current // what listens now; drawn again, the new listeners take the place of the old

export default function ({ data }) {
  current?.abort()
  const mine = new AbortController()
  current = mine
  const on = (event, listener) =>
    document.addEventListener(event, listener, { capture: true, signal: mine.signal })

  on("keydown", (event) => keyDown(event, data.words))
  on("click", (event) => click(event, data))
  on("mouseover", (event) => preview(event.target, data.previews))
  on("focusin", (event) => preview(event.target, data.previews))
  on("mouseout", hidePreview)
  on("focusout", hidePreview)
  on("scroll", hidePreview) // the passage's place has moved
  if (data.editing) focusEnd(EDITED, mine.signal)
  return () => {
    mine.abort()
    hidePreview()
  }
}

// ---- keys

function keyDown(event, words) {
  if (event.isComposing) return // an input method is at work
  const field = event.target
  if (event.key === "Enter" && !event.shiftKey && field.matches(`${EDITED}, ${CORRECTED}`)) {
    done(event, press('[data-testid="stBaseButton-primaryFormSubmit"]', field.closest("form, [data-testid=stForm]")))
  } else if (event.key === "ArrowUp" && field.matches(BOX) && field.value === "") {
    done(event, press('[class*="st-key-edit-"] button'))
  } else if (event.key === "Escape") {
    escape(event)
  } else if (event.key === "?" && !field.matches("input, textarea, [contenteditable]")) {
    showKeys(words)
    event.preventDefault()
  }
}

function escape(event) {
  hidePreview()
  if (document.querySelector(OPEN_LAYERS)) return // Escape closes that
  const cancelled = press('[class*="st-key-keep-"] button')
  done(event, cancelled || pressAll('[class*="st-key-stop-"] button'))
}

function done(event, pressed) {
  if (!pressed) return
  event.preventDefault()
  event.stopPropagation()
}

// the last one that is there: of all questions the newest is edited
function press(selector, within = document) {
  const buttons = within?.querySelectorAll(selector) ?? []
  const button = buttons[buttons.length - 1]
  button?.click()
  return Boolean(button)
}

// Streamlit draws a button with a tooltip twice, for two widths: each place is pressed once
function pressAll(selector) {
  const places = new Map()
  for (const button of document.querySelectorAll(selector)) {
    places.set(button.closest('[class*="st-key-"]'), button)
  }
  for (const button of places.values()) button.click()
  return places.size > 0
}

// the page may still be drawing: the field is waited for until the component is drawn again
function focusEnd(selector, signal) {
  if (signal.aborted) return
  const field = document.querySelector(selector)
  if (!field) {
    requestAnimationFrame(() => focusEnd(selector, signal))
  } else if (document.activeElement !== field) {
    field.focus()
    field.setSelectionRange(field.value.length, field.value.length)
  }
}

function showKeys(words) {
  document.getElementById("chat-keys")?.remove()
  const dialog = made("dialog", "chat-keys")
  dialog.append(made("h3", "", words.keysTitle))
  const list = made("dl")
  for (const [key, meaning] of words.keys) list.append(made("dt", "", key), made("dd", "", meaning))
  const close = made("button", "", words.close)
  close.addEventListener("click", () => dialog.close())
  dialog.addEventListener("close", () => dialog.remove())
  dialog.append(list, close)
  app().append(dialog)
  dialog.showModal()
}

// ---- cited passages

function click(event, data) {
  const citation = event.target.closest?.(CITATION)
  const copied = event.target.closest?.('[class*="st-key-copy-"] button')
  if (citation) {
    done(event, true)
    hidePreview()
    press(`.st-key-source-${CSS.escape(passageOf(citation))} button`)
  } else if (copied) {
    done(event, true)
    const message = copied.closest('[class*="st-key-copy-"]').className.match(/st-key-copy-(\d+)/)[1]
    copy(data.texts[message] ?? "", data.words)
  }
}

function passageOf(citation) {
  return citation.getAttribute("href").slice("#passage-".length)
}

function preview(target, previews) {
  const citation = target.closest?.(CITATION)
  const passage = citation && previews[passageOf(citation)]
  if (!passage) return
  hidePreview()
  const card = made("div", "passage-preview")
  card.setAttribute("role", "tooltip")
  card.append(made("strong", "", passage.title), made("small", "", passage.place), made("p", "", passage.text))
  app().append(card)
  citation.setAttribute("aria-describedby", card.id)
  place(card, citation.getBoundingClientRect())
}

// above the citation where there is room, else below; never beyond the window
function place(card, at) {
  const size = card.getBoundingClientRect()
  const above = at.top - size.height - 6
  card.style.top = `${above > 8 ? above : at.bottom + 6}px`
  card.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`
}

function hidePreview() {
  document.getElementById("passage-preview")?.remove()
}

// ---- copying

async function copy(text, words) {
  note((await written(text)) ? words.copied : words.notCopied)
}

async function written(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return writtenByHand(text) // over plain HTTP from another machine browsers have no clipboard
  }
}

function writtenByHand(text) {
  const field = made("textarea")
  field.value = text
  app().append(field)
  field.select()
  const worked = document.execCommand("copy")
  field.remove()
  return worked
}

function note(text) {
  document.getElementById("chat-note")?.remove()
  const shown = made("div", "chat-note", text)
  shown.setAttribute("role", "status")
  app().append(shown)
  setTimeout(() => shown.remove(), NOTE_SECONDS * 1000)
}

// ---- elements

function app() {
  return document.querySelector('[data-testid="stApp"]') ?? document.body
}

function made(tag, id = "", text = "") {
  const element = document.createElement(tag)
  if (id) element.id = id
  element.textContent = text
  return element
}
