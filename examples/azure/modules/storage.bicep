// Storage that takes identities and no key, reached by a private endpoint, and who may do what in which container.
param prefix string
param location string
param networkId string
param subnetId string
param softDeleteDays int
param workersPrincipalId string
param tritonPrincipalId string

var originals = 'panoramas'
var safe = 'panoramas-safe'
var models = 'models'

// Built-in roles: Storage Blob Data Reader, Storage Blob Data Contributor.
var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: '${prefix}${uniqueString(resourceGroup().id)}'
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Disabled'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  name: 'default'
  parent: account
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    // A version is an original that nobody deletes: with versioning, retention needs a lifecycle rule.
    isVersioningEnabled: false
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [
  for name in [originals, safe, models]: {
    name: name
    parent: blobs
    properties: {
      publicAccess: 'None'
    }
  }
]

resource workersRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(containers[0].id, workersPrincipalId, reader)
  scope: containers[0]
  properties: {
    roleDefinitionId: reader
    principalId: workersPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource workersWrite 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(containers[1].id, workersPrincipalId, contributor)
  scope: containers[1]
  properties: {
    roleDefinitionId: contributor
    principalId: workersPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource tritonReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(containers[2].id, tritonPrincipalId, reader)
  scope: containers[2]
  properties: {
    roleDefinitionId: reader
    principalId: tritonPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: 'privatelink.blob.${environment().suffixes.storage}'
  location: 'global'
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  name: '${prefix}-network'
  parent: zone
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: '${prefix}-blob'
  location: location
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: 'blob'
        properties: {
          privateLinkServiceId: account.id
          groupIds: ['blob']
        }
      }
    ]
  }
}

resource addresses 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = {
  name: 'default'
  parent: endpoint
  properties: {
    privateDnsZoneConfigs: [
      {
        name: 'blob'
        properties: {
          privateDnsZoneId: zone.id
        }
      }
    ]
  }
}

output account string = account.name
// With a private endpoint, too, the public name is the one to use: inside the network it leads to the private address.
output accountUrl string = 'https://${account.name}.blob.${environment().suffixes.storage}'
