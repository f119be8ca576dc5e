export const dash = '–'

export function rate(value) {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2).replace(/0$/, '')
}

export function percent(share) {
  if (share === 0) return '0 %'
  return share < 0.001 ? '< 0.1 %' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}

export function ms(value) {
  if (value === undefined || value === null) return dash
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`
  return value >= 100 || Number.isInteger(value) ? `${Math.round(value)} ms` : `${value.toFixed(value >= 10 ? 0 : 1)} ms`
}

export const count = (value) => value.toLocaleString('en')

export const bytes = (value) => `${Math.round(value / 1_048_576)} MB`

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min`
  if (s < 172_800) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d`
}

export const ago = (at) => (at === undefined ? dash : duration((Date.now() - at) / 1_000))

export const time = (at) => new Date(at).toLocaleTimeString('en-GB')
