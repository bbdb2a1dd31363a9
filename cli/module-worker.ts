/** Entry of the second thread of `dlmc compile`: its compiled code is kept too. */
import { keepCompiledCode } from './code-cache.ts'

keepCompiledCode('compile, second thread')
import('./module-thread.ts').then(({ serveModules }) => serveModules())
