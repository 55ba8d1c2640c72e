export { MiniPage } from './mini-page.ts'
export { type DiskLimits, type Fault, PhoneDisk, type Torn, tears, wxLimits } from './phone-disk.ts'
export { WxPhone, type WxPhoneOptions } from './wx-phone.ts'
