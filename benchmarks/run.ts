console.log('Gatelet: the benchmarks go here.')
