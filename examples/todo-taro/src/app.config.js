export default {
  pages: ['pages/index/index'],
  window: { navigationBarTitleText: 'Weekend by the lake' },
}
