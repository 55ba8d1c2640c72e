export { default } from '@nearcloud/miniprogram'
