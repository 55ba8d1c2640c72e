export { default } from '@nearcloud/miniprogram/alipay'
