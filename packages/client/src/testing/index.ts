// what is fetched when it is needed is here at once: a clock of a test does not wait for it
import '../identity/ways-in.ts'

export { MemoryPlatform } from './memory-platform.ts'
export { type PlatformUnderTest, platformSuite, type SuiteRunner } from './platform-suite.ts'
export { type HttpFault, ScriptedFiles, type StoredFile } from './scripted-files.ts'
export { TestOrigin, TestPage } from './test-crossing.ts'
