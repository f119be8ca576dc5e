// Before anything is painted: what the user has chosen here, if anything.
try {
  const chosen = localStorage.getItem('gatelet-theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage is off: the system's theme it is.
}
