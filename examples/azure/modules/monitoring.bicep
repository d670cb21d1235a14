// Traces, metrics and logs, sent by identities: the connection string alone opens nothing.
param prefix string
param location string
param principalIds array

// Built-in role: Monitoring Metrics Publisher.
var publisher = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${prefix}-logs'
  location: location
  properties: {
    retentionInDays: 30
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${prefix}-insights'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

resource publish 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in principalIds: {
    name: guid(insights.id, principalId, publisher)
    scope: insights
    properties: {
      roleDefinitionId: publisher
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output name string = insights.name
