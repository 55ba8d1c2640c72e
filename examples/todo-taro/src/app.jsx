import Taro from '@tarojs/taro'
import cloud from './cloud'
import './app.css'

// the same environment, rules and documents as examples/todo-web
cloud.init({ env: 'todo', endpoint: ENDPOINT, subscribe: { items: true, counters: true, photos: true } })
// from here on Taro.cloud means it
cloud.install(Taro)

export default function App({ children }) {
  return children
}
