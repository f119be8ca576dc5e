const box = document.getElementById('told')
let timer

/** Says what came of something, for a few seconds. */
export function tell(text, tone = 'good') {
  box.textContent = text
  box.className = `told shown ${tone}`
  clearTimeout(timer)
  timer = setTimeout(() => {
    box.className = 'told'
  }, 6_000)
}
