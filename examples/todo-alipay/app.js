import cloud from '@nearcloud/miniprogram/alipay'
import { endpoint } from './config.js'

App({
  onLaunch() {
    // the same environment, rules and documents as examples/todo-web
    cloud.init({
      env: 'todo',
      endpoint,
      subscribe: { items: true, counters: true, photos: true },
    })
  },
})
