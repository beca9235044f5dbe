package billclient

// The versions in which the API may know its actions.
const (
	version2018 = "2018-06-01"
	version2020 = "2020-01-01"
	version2022 = "2022-06-01"

	versionCost   = "2021-12-09"
	versionDays   = "2022-12-22" // of what bill-union has by day
	versionItems  = "2025-08-01"
	versionTrade  = "2025-08-28"
	versionWallet = "V1"
)

// service is a service of the vendor. It has an endpoint and permissions of its own.
type service struct {
	name     string // in the scope of signatures and in the names of permissions
	endpoint string // the key of its address in the configuration
	address  func(Options) string
}

var billService = service{"bill", "api.endpoint", func(o Options) string { return o.Endpoint }}

// actionVersion is an action in one of the versions in which the API may know it.
type actionVersion struct {
	name    string // as the version spells it
	version string
}

// action is an action in each version in which the API may know it. The first one is the documented one.
type action []actionVersion

// services has the service of each action, by all names of the action.
var services = map[string]service{}

// declareAction returns an action of a service. An action is declared once, in a variable beside the method that calls
// it: that is all that requests, Permission and the texts of errors need to find its service.
func declareAction(s service, versions ...actionVersion) action {
	for _, v := range versions {
		services[v.name] = s
	}
	return versions
}

// serviceOf returns the service of the action of that name. No two services here have an action of the same name.
func serviceOf(name string) service {
	if s, ok := services[name]; ok {
		return s
	}
	return billService
}

// Permission returns the permission that a policy has to grant for an action to be called, such as bill:GetMonthBill.
// Its case does not matter. Source: https://endocs.ksyun.com/documents/37672.
func Permission(action string) string { return serviceOf(action).name + ":" + action }
