import Taro from '@tarojs/taro'
import { useEffect, useState } from 'react'

/** By file: where it can be seen. A photo that waits is on this phone, one of others on the server. `status`: when to look again. */
export function useAddresses(fileIDs, status) {
  const [addresses, setAddresses] = useState({})
  useEffect(() => {
    const missing = fileIDs.filter(fileID => !addresses[fileID]).slice(0, 50)
    if (missing.length === 0) return
    Taro.cloud.getTempFileURL({ fileList: missing }).then(
      ({ fileList }) => {
        const found = fileList.filter(({ tempFileURL }) => tempFileURL)
        if (found.length === 0) return
        const known = Object.fromEntries(found.map(({ fileID, tempFileURL }) => [fileID, tempFileURL]))
        setAddresses(before => ({ ...before, ...known }))
      },
      () => undefined, // with the next connection
    )
  }, [fileIDs.join(), status])
  return addresses
}
