import cloud from '@nearcloud/miniprogram/alipay'

/** A collection, the oldest first. */
const byAge = name => cloud.database().collection(name).orderBy('createdAt', cloud.Sort.ASC)

const tell = ({ errorMessage }) => my.showToast({ content: errorMessage, type: 'none' })

Page({
  // pictures: by file, where it can be seen; marks: by item, the server does not have all of it
  data: { items: [], photos: [], pictures: {}, marks: {}, isOnline: false, waiting: 0, title: '' },

  onLoad() {
    const refresh = () => this.refresh()
    cloud.bind(this, { items: byAge('items'), photos: byAge('photos') }, { onChange: refresh, onError: tell })
    const events = ['online', 'offline', 'pending', 'accepted', 'rejected', 'uploaded', 'uploadRejected']
    this.listeners = events.map(event => cloud.on(event, refresh))
    refresh()
  },

  onUnload() {
    for (const stop of this.listeners) stop()
  },

  /** What is in no document: is there a connection, and what waits for it. */
  refresh() {
    const { state, pending, uploads } = cloud.status()
    const marks = Object.fromEntries(this.data.items.map(({ _id }) => [_id, cloud.isPending('items', _id)]))
    this.setData({ isOnline: state === 'online', waiting: pending + uploads, marks })
    this.findPictures()
  },

  /** Of files that wait on this phone too. */
  async findPictures() {
    const { photos, pictures } = this.data
    const fileList = photos.map(({ fileID }) => fileID).filter(fileID => !pictures[fileID])
    if (fileList.length === 0) return
    const found = await cloud.getTempFileURL({ fileList: fileList.slice(0, 50) }).catch(() => undefined)
    const seen = (found?.fileList ?? []).filter(({ tempFileURL }) => tempFileURL !== '')
    if (seen.length === 0) return // with the next connection
    const addresses = seen.map(({ fileID, tempFileURL }) => [fileID, tempFileURL])
    this.setData({ pictures: { ...this.data.pictures, ...Object.fromEntries(addresses) } })
  },

  typed({ detail }) {
    this.setData({ title: detail.value })
  },

  add() {
    const title = this.data.title.trim()
    this.setData({ title: '' })
    if (title !== '') this.create('items', { title, done: false, locked: false })
  },

  tick({ currentTarget: { dataset } }) {
    const item = cloud.database().collection('items').doc(dataset.id)
    item.update({ data: { done: !dataset.done } }).catch(tell)
  },

  takePhoto() {
    my.chooseImage({ count: 1, success: ({ tempFilePaths: [filePath] }) => this.keepPhoto(filePath) })
  },

  /** First the file, which waits on this phone as long as it has to, then its document. */
  async keepPhoto(filePath) {
    const cloudPath = `photos/${Date.now()}-${Math.random().toString(36).slice(2)}.png`
    try {
      const { fileID } = await cloud.uploadFile({ cloudPath, filePath })
      this.create('photos', { fileID })
    } catch (error) {
      tell(error)
    }
  },

  create(collection, fields) {
    const data = { ...fields, by: 'phone', createdAt: new Date() }
    cloud.database().collection(collection).add({ data }).catch(tell)
  },
})
