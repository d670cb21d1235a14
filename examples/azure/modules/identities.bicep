// One identity for each part of the service, so that none can do another's work. A federated credential says which
// ServiceAccount of the cluster it belongs to.
param prefix string
param location string
param issuer string
param release string
param namespace string

var parts = ['operator', 'worker', 'migration', 'triton']

// What the database knows them by, too.
var names = ['operator', 'workers', 'migration', 'triton']

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [
  for name in names: {
    name: '${prefix}-${name}'
    location: location
  }
]

resource credentials 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = [
  for (part, index) in parts: {
    name: '${namespace}-${release}-${part}'
    parent: identities[index]
    properties: {
      issuer: issuer
      subject: 'system:serviceaccount:${namespace}:${release}-${part}'
      audiences: ['api://AzureADTokenExchange']
    }
  }
]

output operatorClientId string = identities[0].properties.clientId
output operatorPrincipalId string = identities[0].properties.principalId
output workersClientId string = identities[1].properties.clientId
output workersPrincipalId string = identities[1].properties.principalId
output migrationClientId string = identities[2].properties.clientId
output tritonClientId string = identities[3].properties.clientId
output tritonPrincipalId string = identities[3].properties.principalId
