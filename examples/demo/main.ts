console.log('Gatelet: the demo goes here.')
