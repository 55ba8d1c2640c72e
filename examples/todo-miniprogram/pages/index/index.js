import cloud from '@nearcloud/miniprogram'

/** Whatever may change what is not in a document: is there a connection, and what waits for it. */
const events = ['pending', 'accepted', 'rejected', 'online', 'offline', 'uploaded', 'uploadRejected']

Page({
  data: {
    items: [],
    photos: [],
    coffee: null,
    /** By file: where it can be seen. */
    addresses: {},
    /** By item: it has changes that the server does not have. */
    waitingFor: {},
    isOnline: false,
    waiting: 0,
    title: '',
  },

  onLoad() {
    const db = cloud.database()
    this.binding = cloud.bind(
      this,
      {
        items: db.collection('items').orderBy('createdAt', 'asc'),
        photos: db.collection('photos').orderBy('createdAt', 'asc'),
        coffee: db.collection('counters').doc('coffee'),
      },
      { onChange: () => this.showStatus(), onError: error => this.say(error) },
    )
    this.stops = events.map(name => cloud.on(name, () => this.showStatus()))
    this.showStatus()
  },

  onUnload() {
    for (const stop of this.stops) stop()
  },

  showStatus() {
    const { state, pending, uploads } = cloud.status()
    const waitingFor = {}
    for (const { _id } of this.data.items) if (cloud.isPending('items', _id)) waitingFor[_id] = true
    this.setData({ isOnline: state === 'online', waiting: pending + uploads, waitingFor })
    this.showPhotos()
  },

  /** A photo that waits is shown from the phone, one of others from the server. */
  async showPhotos() {
    const missing = this.data.photos.map(({ fileID }) => fileID).filter(id => !this.data.addresses[id])
    if (missing.length === 0) return
    try {
      const { fileList } = await cloud.getTempFileURL({ fileList: missing.slice(0, 50) })
      const addresses = { ...this.data.addresses }
      for (const { fileID, tempFileURL } of fileList) if (tempFileURL) addresses[fileID] = tempFileURL
      this.setData({ addresses })
    } catch {
      // with the next connection
    }
  },

  typed(event) {
    this.setData({ title: event.detail.value })
  },

  async add() {
    const title = this.data.title.trim()
    if (title === '') return
    this.setData({ title: '' })
    await this.write(
      cloud
        .database()
        .collection('items')
        .add({ data: { title, done: false, locked: false, by: 'phone', createdAt: new Date() } }),
    )
  },

  async tick(event) {
    const { id, done } = event.currentTarget.dataset
    await this.write(
      cloud
        .database()
        .collection('items')
        .doc(id)
        .update({ data: { done: !done } }),
    )
  },

  async drink() {
    const db = cloud.database()
    const counters = db.collection('counters')
    if (!this.data.coffee) await this.write(counters.add({ data: { _id: 'coffee', count: 0 } }))
    await this.write(counters.doc('coffee').update({ data: { count: db.command.inc(1) } }))
  },

  choosePhoto() {
    wx.chooseMedia({
      count: 1,
      mediaType: ['image'],
      success: ({ tempFiles }) => this.addPhoto(tempFiles[0].tempFilePath),
    })
  },

  /** The file is in the upload queue, which outlives the mini program, before its document is in the list. */
  async addPhoto(filePath) {
    const name = `${Date.now()}-${Math.random().toString(36).slice(2)}`
    const ending = /\.[a-z0-9]{1,5}$/i.exec(filePath)?.[0].toLowerCase() ?? ''
    const upload = cloud.uploadFile({ cloudPath: `photos/${name}${ending}`, filePath })
    await this.write(
      upload.then(({ fileID }) =>
        cloud
          .database()
          .collection('photos')
          .add({ data: { fileID, by: 'phone', createdAt: new Date() } }),
      ),
    )
  },

  /** What is written is on the page at once; what is left to hear is that the phone could not keep it. */
  async write(promise) {
    try {
      await promise
    } catch (error) {
      this.say(error)
    }
    this.showStatus()
  },

  say(error) {
    wx.showToast({ title: error.errMsg, icon: 'none' })
  },
})
