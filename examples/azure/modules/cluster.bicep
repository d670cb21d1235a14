// The cluster, with workload identity, and the registry that it pulls from.
param prefix string
param location string
param subnetId string
param gpuSize string
param gpuNodes int
param mostWorkerNodes int

// Built-in role: AcrPull.
var acrPull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' = {
  name: '${prefix}-aks'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    dnsPrefix: prefix
    disableLocalAccounts: true
    aadProfile: {
      managed: true
      enableAzureRBAC: true
    }
    // Both together let pods sign in as managed identities.
    oidcIssuerProfile: {
      enabled: true
    }
    securityProfile: {
      workloadIdentity: {
        enabled: true
      }
    }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      // Enforces the chart's NetworkPolicies.
      networkPolicy: 'cilium'
      networkDataplane: 'cilium'
    }
    agentPoolProfiles: [
      {
        name: 'system'
        mode: 'System'
        vmSize: 'Standard_D4s_v5'
        count: 2
        vnetSubnetID: subnetId
      }
      {
        name: 'gpu'
        mode: 'User'
        vmSize: gpuSize
        count: gpuNodes
        vnetSubnetID: subnetId
        nodeTaints: ['sku=gpu:NoSchedule']
      }
      {
        name: 'workers'
        mode: 'User'
        vmSize: 'Standard_D8s_v5'
        count: 0
        enableAutoScaling: true
        minCount: 0
        maxCount: mostWorkerNodes
        scaleSetPriority: 'Spot'
        scaleSetEvictionPolicy: 'Delete'
        nodeTaints: ['kubernetes.azure.com/scalesetpriority=spot:NoSchedule']
        vnetSubnetID: subnetId
      }
    ]
  }
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: '${prefix}${uniqueString(resourceGroup().id)}'
  location: location
  sku: {
    name: 'Standard'
  }
  properties: {
    adminUserEnabled: false
  }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, cluster.id, acrPull)
  scope: registry
  properties: {
    roleDefinitionId: acrPull
    principalId: cluster.properties.identityProfile.kubeletidentity.objectId
    principalType: 'ServicePrincipal'
  }
}

output name string = cluster.name
output issuer string = cluster.properties.oidcIssuerProfile.issuerURL
output registry string = registry.properties.loginServer
