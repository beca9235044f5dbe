package billsim

// regionCodes are the codes of the regions of made-up lines, as the vendor's services take them. Other names have none.
var regionCodes = map[string]string{
	"亦庄(VPC)":   "cn-beijing-6",
	"顺义(VPC)":   "cn-beijing-6",
	"上海二区(VPC)": "cn-shanghai-2",
	"上海三区(VPC)": "cn-shanghai-3",
	"广州(VPC)":   "cn-guangzhou-1",
	"香港(VPC)":   "cn-hongkong-2",
}
