import Taro from '@tarojs/taro'

/** The path of a picture. Rejects when the user turns away. */
export function choosePhoto() {
  return new Promise((resolve, reject) => {
    const success = ({ tempFiles }) => resolve(tempFiles[0].tempFilePath)
    Taro.chooseMedia({ count: 1, mediaType: ['image'], success, fail: reject })
  })
}
