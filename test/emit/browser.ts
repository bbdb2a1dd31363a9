/** A real Chromium with WebGPU on SwiftShader, and a server of files for its pages. Nothing is installed here. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** `DLM_CHROMIUM` names one; else the system's, as `apt install chromium` puts it there; else the one that npm brought. */
export async function chromiumPath(): Promise<string> {
  const given = process.env.DLM_CHROMIUM
  const places = (process.env.PATH ?? '').split(':').flatMap((folder) => names.map((name) => join(folder, name)))
  const found = (given ? [given] : places).find((path) => existsSync(path))
  if (found) return found
  const { default: bundled } = await import('@sparticuz/chromium')
  return bundled.executablePath().catch((cause: unknown) => {
    throw new Error(
      'there is no Chromium for the browser tests: `apt-get install -y chromium`, or set DLM_CHROMIUM to one',
      { cause },
    )
  })
}

export const launch = async (): Promise<Browser> =>
  chromium.launch({
    executablePath: await chromiumPath(),
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan',
      '--use-vulkan=swiftshader',
      '--use-angle=swiftshader',
      '--disable-vulkan-surface',
    ],
  })

/** One that has no GPU and no WebGPU in software. */
export const launchWithoutWebgpu = async (): Promise<Browser> =>
  chromium.launch({
    executablePath: await chromiumPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-features=WebGPU', '--disable-software-rasterizer'],
  })

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
}

export interface Served {
  readonly url: string
  close(): void
}

/** Files by the beginning of their path. Pages find `dlm/runtime` by an import map, as in an application without a bundler. */
export async function serve(
  folders: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)
    const prefix = Object.keys(folders)
      .filter((p) => path.startsWith(p))
      .sort((a, b) => b.length - a.length)[0]
    const file = prefix === undefined ? '' : join(folders[prefix]!, path.slice(prefix.length) || 'index.html')
    if (path.includes('..') || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end()
      return
    }
    const ending = extname(file)
    response.writeHead(200, { ...headers, 'content-type': types[ending] ?? 'application/octet-stream' })
    const map = '<script type="importmap">{ "imports": { "dlm/runtime": "/runtime/index.js" } }</script>'
    response.end(ending === '.html' ? readFileSync(file, 'utf8').replace('<head>', `<head>${map}`) : readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}
