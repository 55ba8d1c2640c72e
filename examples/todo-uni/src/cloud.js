// biome-ignore-all lint/suspicious/noRedeclare: one of them is left in each build
// biome-ignore-all lint/correctness/noUnusedImports: likewise
// #ifdef H5
import cloud from '@nearcloud/browser'
// #endif
// #ifdef MP-WEIXIN
import cloud from '@nearcloud/miniprogram'
// #endif
// #ifdef MP-ALIPAY
import cloud from '@nearcloud/miniprogram/alipay'
// #endif

export default cloud
