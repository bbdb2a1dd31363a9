#!/usr/bin/env node
/** `dlmc`: as little as can be before the rest, whose compiled code is kept from one call to the next. */
import { expectBriefProcess } from './brief-process.ts'
import { keepCompiledCode } from './code-cache.ts'

const verb = process.argv[2] ?? ''
expectBriefProcess(verb)
keepCompiledCode(verb)
if (verb === 'compile')
  import('./second-thread.ts').then(({ expectSecondThread }) => expectSecondThread(process.argv.slice(2)))
import('./command-line.ts').then(({ runCommandLine }) => runCommandLine())
