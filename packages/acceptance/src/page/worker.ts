import '@nearcloud/browser/worker'
