import { decodeTrusted } from '@nearcloud/protocol'

/** So many documents of an app's size, frozen as the house keeps them, always the same ones. */
export function documentsOf(count) {
  return Array.from({ length: count }, (_, i) => decodeTrusted(JSON.stringify(documentOf(i))))
}

const cities = ['Guangzhou', 'Shenzhen', 'Beijing', 'Shanghai', 'Chengdu', 'Wuhan', 'Hangzhou', 'Xiamen']

function documentOf(i) {
  const hash = (i * 2_654_435_761) >>> 0
  const item = n => ({
    sku: `sku-${(hash >>> n) % 500}`,
    price: (hash >>> (n + 3)) % 100,
    quantity: (hash >>> n) % 4,
  })
  return {
    _id: `document-${i}`,
    title: `The title of document number ${i}`,
    status: `status${hash % 5}`,
    age: hash % 100,
    level: (hash >>> 8) % 5,
    score: (hash >>> 4) % 100,
    owner: { name: `user ${i % 1000}`, place: { city: cities[hash % 8], zip: String(510_000 + (i % 1000)) } },
    tags: ['a', 'b', `t${i % 50}`],
    items: [item(2), item(5), item(9)],
    done: i % 2 === 0,
    ...(i % 10 !== 0 && { nickname: `nick ${i % 300}` }),
  }
}
