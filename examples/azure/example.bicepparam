using 'main.bicep'

param prefix = 'blur'
param databaseAdminObjectId = '00000000-0000-0000-0000-000000000000'
param databaseAdminName = 'blur-admins'
