import Taro from '@tarojs/taro'

/** The path of a picture. Rejects when the user turns away. */
export async function choosePhoto() {
  const { tempFilePaths } = await Taro.chooseImage({ count: 1 })
  return tempFilePaths[0]
}
