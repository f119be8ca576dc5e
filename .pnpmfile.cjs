module.exports = {
  hooks: {
    // `@gatelet/source` points at files that are not published: it is for this workspace alone.
    beforePacking(manifest) {
      for (const target of Object.values(manifest.exports ?? {})) delete target['@gatelet/source']
      return manifest
    },
  },
}
