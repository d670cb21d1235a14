// What Blurring-as-a-Service needs in Azure, all of it reached by private addresses and entered by identities: no password,
// no key. README.md beside this file goes through it step by step.
targetScope = 'resourceGroup'

@description('Begins the names of all resources: lower-case letters and digits.')
@minLength(3)
@maxLength(11)
param prefix string = 'blur'

@description('Region of all resources.')
param location string = resourceGroup().location

@description('The release of the chart, and the namespace of its BlurJobs: by these the cluster names its ServiceAccounts.')
param release string = 'baas'
param namespace string = 'panoramas'

@description('Object id, name and kind of who administers the database: best a group of Microsoft Entra.')
param databaseAdminObjectId string
param databaseAdminName string
@allowed(['Group', 'User', 'ServicePrincipal'])
param databaseAdminType string = 'Group'

@description('Size and number of GPU nodes, and the most spot nodes for workers.')
param gpuSize string = 'Standard_NC4as_T4_v3'
param gpuNodes int = 1
param mostWorkerNodes int = 8

@description('Days for which Blob storage keeps what was deleted or replaced. Originals that retention deletes stay so long, too.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 7

module network 'modules/network.bicep' = {
  name: 'network'
  params: {
    prefix: prefix
    location: location
  }
}

module cluster 'modules/cluster.bicep' = {
  name: 'cluster'
  params: {
    prefix: prefix
    location: location
    subnetId: network.outputs.nodesSubnetId
    gpuSize: gpuSize
    gpuNodes: gpuNodes
    mostWorkerNodes: mostWorkerNodes
  }
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  params: {
    prefix: prefix
    location: location
    issuer: cluster.outputs.issuer
    release: release
    namespace: namespace
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  params: {
    prefix: prefix
    location: location
    networkId: network.outputs.networkId
    subnetId: network.outputs.databaseSubnetId
    adminObjectId: databaseAdminObjectId
    adminName: databaseAdminName
    adminType: databaseAdminType
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    prefix: prefix
    location: location
    networkId: network.outputs.networkId
    subnetId: network.outputs.endpointsSubnetId
    softDeleteDays: softDeleteDays
    workersPrincipalId: identities.outputs.workersPrincipalId
    tritonPrincipalId: identities.outputs.tritonPrincipalId
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    prefix: prefix
    location: location
    principalIds: [
      identities.outputs.operatorPrincipalId
      identities.outputs.workersPrincipalId
    ]
  }
}

output cluster string = cluster.outputs.name
output registry string = cluster.outputs.registry
output ledgerUrl string = 'postgresql://${database.outputs.host}/${database.outputs.database}?auth=entra'
output accountUrl string = storage.outputs.accountUrl
output account string = storage.outputs.account
output operatorClientId string = identities.outputs.operatorClientId
output workersClientId string = identities.outputs.workersClientId
output migrationClientId string = identities.outputs.migrationClientId
output tritonClientId string = identities.outputs.tritonClientId
output applicationInsights string = monitoring.outputs.name
