import type { Dice } from '../scenario/dice.ts'

/** Bytes for a WebSocket after its handshake: mostly broken ones, of every kind that broke something somewhere. */
export function hostileBytes(dice: Dice): Buffer {
  return dice.pick(kinds)(dice)
}

const kinds: readonly ((dice: Dice) => Buffer)[] = [
  // noise
  dice => noise(dice, 1 + dice.below(200)),
  // any first byte (reserved bits, reserved opcodes), any length form, masked or not
  dice => Buffer.concat([noise(dice, 2 + dice.below(13)), noise(dice, dice.below(60))]),
  // a giant length, and nothing of it
  dice =>
    Buffer.from([0x81, 0xff, ...(dice.below(2) === 0 ? [0x7f, 255] : [0, 0]), ...noise(dice, 6), 0, 0, 0, 0]),
  // text that is no UTF-8
  dice =>
    frame(0x81, Buffer.concat([Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80]), noise(dice, dice.below(40))])),
  // bytes for text
  dice => frame(0x82, noise(dice, dice.below(100))),
  // fragments without end, and continuations of nothing
  dice =>
    Buffer.concat(
      Array.from({ length: 1 + dice.below(40) }, (_, i) => frame(i === 0 ? 0x01 : 0x00, noise(dice, 3))),
    ),
  dice => frame(0x80, noise(dice, dice.below(30))),
  // control frames: too long, in fragments, many
  dice => frame(0x89, noise(dice, 126 + dice.below(100))),
  () => frame(0x09, Buffer.from('x')),
  dice =>
    Buffer.concat(
      Array.from({ length: 20 + dice.below(80) }, () => frame(0x89, noise(dice, dice.below(126)))),
    ),
  dice => frame(0x88, noise(dice, dice.below(130))),
  // an unmasked frame, as only servers send
  () => Buffer.from([0x81, 0x02, 0x7b, 0x7d]),
  // JSON that is none of ours
  dice => frame(0x81, Buffer.from(dice.pick(texts))),
  dice => frame(0x81, Buffer.from(mutated(dice, dice.pick(messages)))),
  dice => frame(0x81, Buffer.from(dice.pick(messages))),
]

const hello = `{"type":"hello","protocol":4,"env":"","client":"0123456789abcdef0123456789abcdef","version":0,"seen":0,"subscriptions":[],"clock":0}`
const messages = [
  hello,
  hello.replace(
    '"subscriptions":[]',
    '"subscriptions":[{"id":1,"query":{"collection":"todos"},"complete":true}]',
  ),
  '{"type":"push","mutations":[{"id":1,"nonce":"n","base":0,"time":0,"writes":[{"op":"remove","collection":"todos","id":"x"}]}]}',
  '{"type":"subscribe","id":1,"query":{"collection":"todos","where":["and",[]],"orderBy":[],"skip":0}}',
  '{"type":"count","id":1,"query":{"collection":"todos","where":["and",[]],"orderBy":[],"skip":0}}',
  '{"type":"call","id":1,"name":"constructor","data":null}',
  '{"type":"ping"}',
]
const texts = [
  ...['', '[]', 'null', '0', '{}', '{"type":', '"', '{"__proto__":{"type":"hello"}}', '{"type":"__proto__"}'],
  ...[
    '{"type":"hello","type":"ping"}',
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
    '{"type":"bye"}',
    '1e999',
  ],
]

/** One of ours with something wrong in it. */
function mutated(dice: Dice, text: string): string {
  const at = dice.below(text.length)
  switch (dice.below(4)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return (
        text.slice(0, at) +
        dice.pick(['{', '"', '-1', 'null', '\\u0000', '1e400', '__proto__']) +
        text.slice(at)
      )
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + dice.below(8))
    default:
      return text.replace(/\d+|"[a-z]+"/g, word =>
        dice.below(4) === 0 ? dice.pick(['[]', '{}', '-1', '""', 'true']) : word,
      )
  }
}

function noise(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.below(256)))
}

/** Masked, as a client's are, and whole: what is in it may be anything. */
function frame(first: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([first, 0x80 | payload.length])
      : Buffer.from([first, 0xfe, payload.length >> 8, payload.length & 255])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}
