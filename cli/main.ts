#!/usr/bin/env node
/** `dlmc`: as little as can be before the rest, whose compiled code is kept from one call to the next. */
import { keepCompiledCode } from './code-cache.ts'

keepCompiledCode(process.argv[2] ?? '')
import('./command-line.ts').then(({ runCommandLine }) => runCommandLine())
