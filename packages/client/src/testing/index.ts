// what is fetched when it is needed is here at once: a clock of a test does not wait for it
import '../identity/ways-in.ts'
import '../upload.ts'

export { createAuth } from '../identity/auth.ts'
export { Device, type DeviceEvents, type Merged } from '../identity/device.ts'
export type { RegisterState } from '../identity/register.ts'
export { type AnonymousChoice, type SignInResult, signInByTicket } from '../identity/sign-in.ts'
export { readInitOptions, type Setting } from '../init-options.ts'
export type { OwnInstance } from '../instance.ts'
export { MemoryPlatform } from './memory-platform.ts'
export { type PlatformUnderTest, platformSuite, type SuiteRunner } from './platform-suite.ts'
export { type HttpFault, ScriptedFiles, type StoredFile } from './scripted-files.ts'
export { TestOrigin, TestPage } from './test-crossing.ts'
