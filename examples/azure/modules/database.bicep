// PostgreSQL that takes tokens of Microsoft Entra and no password, in a subnet of its own.
param prefix string
param location string
param networkId string
param subnetId string
param adminObjectId string
param adminName string
param adminType string

var name = '${prefix}-ledger-${uniqueString(resourceGroup().id)}'

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${prefix}.private.postgres.database.azure.com'
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

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  dependsOn: [link]
  sku: {
    name: 'Standard_D2ds_v5'
    tier: 'GeneralPurpose'
  }
  properties: {
    version: '16'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: subscription().tenantId
    }
    storage: {
      storageSizeGB: 128
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: 14
    }
    network: {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: zone.id
    }
  }
}

resource admin 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  name: adminObjectId
  parent: server
  properties: {
    principalName: adminName
    principalType: adminType
    tenantId: subscription().tenantId
  }
}

resource ledger 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  name: 'baas'
  parent: server
  dependsOn: [admin]
  properties: {
    charset: 'UTF8'
    collation: 'C'
  }
}

output host string = server.properties.fullyQualifiedDomainName
output database string = ledger.name
