// what is fetched when it is needed is here at once: a clock of a test does not wait for it, and no seed says how long it takes
import '../crossing.ts'
import '../held.ts'
import '../mend.ts'
import '../poll-connection.ts'
import '../rooms/entered-rooms.ts'
import '../sweep.ts'
import '../texts/live-texts.ts'

export { type Direction, type Fate, LocalPair, type Peer, type PeerListener } from './local-pair.ts'
export { everyOne, keptBy, type TestClient, TestRig } from './rig.ts'
export { type KnownClient, ScriptedServer } from './scripted-server.ts'
export { ScriptedSession } from './scripted-session.ts'
export { type EchoEnd, type SuiteRunner, transportSuite } from './transport-suite.ts'
