/** Sessions that are dropped without `dispose` are freed all the same, and in development that is said once each. */

interface Watched {
  readonly name: string
  readonly release: () => void
}

const registry = new FinalizationRegistry<Watched>(({ name, release }) => {
  release()
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[
    'NODE_ENV'
  ]
  if (environment !== 'production')
    console.warn(`a session of ${name} was dropped without dispose(); its device memory was held until now`)
})

/** `release` must not refer to the session itself. Returns what ends the watch. */
export function watchForLeak(session: object, name: string, release: () => void): () => void {
  const token = {}
  registry.register(session, { name, release }, token)
  return () => {
    registry.unregister(token)
  }
}
