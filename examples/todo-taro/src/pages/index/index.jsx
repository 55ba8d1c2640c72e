import { Button, Image, Input, Text, View } from '@tarojs/components'
import Taro from '@tarojs/taro'
import { useState } from 'react'
import { choosePhoto } from '../../choose-photo'
import { useAddresses } from '../../use-addresses'
import { useDocs } from '../../use-docs'
import { useStatus } from '../../use-status'
import './index.css'

export default function Index() {
  const items = useDocs('items', tell)
  const photos = useDocs('photos', tell)
  const counters = useDocs('counters', tell)
  const status = useStatus()
  const addresses = useAddresses(
    photos.map(({ fileID }) => fileID),
    status,
  )
  const coffee = counters.find(({ _id }) => _id === 'coffee')
  const waiting = status.pending + status.uploads
  return (
    <View>
      <View className="bar">
        <Text className={`state ${status.state}`}>{status.state === 'online' ? '已连接' : '离线'}</Text>
        {waiting > 0 && <Text className="waiting">{waiting} 待同步</Text>}
      </View>
      <NewItem />
      {items.map(item => (
        <Item key={item._id} {...item} />
      ))}
      <View className="counter" onClick={() => drink(coffee)}>
        <Text className="count">{coffee ? coffee.count : 0}</Text> ☕
      </View>
      <View className="photos">
        {photos.map(({ _id, fileID }) => (
          <Image key={_id} className="photo" mode="aspectFill" src={addresses[fileID] ?? ''} />
        ))}
      </View>
      <Button className="camera" onClick={addPhoto}>
        加照片
      </Button>
    </View>
  )
}

function NewItem() {
  const [title, setTitle] = useState('')
  const add = ({ detail }) => {
    const typed = detail.value.trim()
    setTitle('')
    if (typed !== '') create('items', { title: typed, done: false, locked: false })
  }
  return (
    <Input
      className="new"
      value={title}
      placeholder="还要带什么？"
      onInput={({ detail }) => setTitle(detail.value)}
      onConfirm={add}
    />
  )
}

function Item({ _id, title, done }) {
  const tick = () =>
    inCollection('items')
      .doc(_id)
      .update({ data: { done: !done } })
      .catch(tell)
  return (
    <View className={done ? 'item done' : 'item'} onClick={tick}>
      <Text className="title">{title}</Text>
      {Taro.cloud.isPending('items', _id) && <Text className="badge">待同步</Text>}
    </View>
  )
}

async function drink(coffee) {
  const { inc } = Taro.cloud.database().command
  if (!coffee)
    await inCollection('counters')
      .add({ data: { _id: 'coffee', count: 0 } })
      .catch(tell)
  inCollection('counters')
    .doc('coffee')
    .update({ data: { count: inc(1) } })
    .catch(tell)
}

/** The file is in the upload queue, which outlives the mini program, before its document is in the list. */
async function addPhoto() {
  const filePath = await choosePhoto().catch(() => undefined)
  if (filePath === undefined) return
  const name = `${Date.now()}-${Math.random().toString(36).slice(2)}`
  const ending = /\.[a-z0-9]{1,5}$/i.exec(filePath)?.[0].toLowerCase() ?? ''
  try {
    const { fileID } = await Taro.cloud.uploadFile({ cloudPath: `photos/${name}${ending}`, filePath })
    create('photos', { fileID })
  } catch (error) {
    tell(error)
  }
}

function create(collection, fields) {
  const data = { ...fields, by: 'phone', createdAt: new Date() }
  inCollection(collection).add({ data }).catch(tell)
}

function inCollection(name) {
  return Taro.cloud.database().collection(name)
}

/** What is written is on the page at once; what is left to hear is that the phone could not keep it. */
function tell({ errMsg, errorMessage }) {
  Taro.showToast({ title: errMsg ?? errorMessage, icon: 'none' })
}
