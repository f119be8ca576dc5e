import { readFileSync } from 'node:fs'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { pageModule } from '../../../scripts/dashboard-page.ts'
import { files } from '../src/page/files.generated.ts'
import { scene } from './scene.ts'

test('the module with the page is what `pnpm dashboard:page` writes', () => {
  expect(readFileSync(new URL('../src/page/files.generated.ts', import.meta.url), 'utf8')).toBe(pageModule())
})

test('uPlot comes with its licence', () => {
  for (const name of ['uplot.js', 'uplot.css']) expect(files[name]).toContain('Permission is hereby granted, free of charge')
})

test('nothing in the page needs what its policy forbids', () => {
  const html = files['index.html'] ?? ''
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|style=|https?:|javascript:/i)
  const own = Object.entries(files).filter(([name]) => name.endsWith('.js') && name !== 'uplot.js')
  for (const [name, text] of own) {
    expect({ name, found: text.match(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/) }).toEqual({
      name,
      found: null,
    })
  }
})

test.each(Object.keys(files))('%s has its type', async (name) => {
  const reply = await call(scene().page, `/${name}`)
  const expected = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }[
    name.split('.').at(-1) as 'js'
  ]
  expect([reply.status, reply.headers.get('content-type')?.split(';')[0]]).toEqual([200, expected])
})
