namespace Beadhub.Gateway.Tests;

/// <summary>Tests that hold on every store stand in classes that cannot run by themselves: one that no store runs would be forgotten in
/// silence.</summary>
public sealed class ContractRunners
{
    public static TheoryData<Type> Contracts =>
        [.. typeof(ContractTests).Assembly.GetTypes().Where(type => type.IsAbstract && type.IsSubclassOf(typeof(ContractTests)))];

    [Theory]
    [MemberData(nameof(Contracts))]
    public void Every_contract_is_run_on_a_store(Type contract) =>
        contract.Assembly.GetTypes().ShouldContain(type => !type.IsAbstract && type.IsSubclassOf(contract));
}
