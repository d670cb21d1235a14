// One network: nodes, the database's own subnet, and private endpoints.
param prefix string
param location string

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: '${prefix}-network'
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: ['10.40.0.0/16']
    }
    subnets: [
      {
        name: 'nodes'
        properties: {
          addressPrefix: '10.40.0.0/20'
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: '10.40.16.0/28'
          delegations: [
            {
              name: 'postgres'
              properties: {
                serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.40.17.0/27'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

output networkId string = network.id
output nodesSubnetId string = '${network.id}/subnets/nodes'
output databaseSubnetId string = '${network.id}/subnets/database'
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
