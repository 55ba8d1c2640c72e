export default { navigationBarTitleText: 'Weekend by the lake' }
