"""Who this process is in Azure. Knows no other room, and imports azure-identity only when somebody is to sign in."""
